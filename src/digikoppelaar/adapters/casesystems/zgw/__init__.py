"""Delivery into a case system with the ZGW API's (zgw.md): `system` is the door, what maps is pure."""
