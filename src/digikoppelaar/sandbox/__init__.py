"""The national side on one machine: DSO-LV and a PKIoverheid look-alike. Never production."""
