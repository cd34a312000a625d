"""The gateway between the national facilities (DSO-LV, KOOP) and the case systems of Dutch authorities."""

__version__ = "0.1.0"
