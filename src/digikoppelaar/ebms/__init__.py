"""The ebMS 2.0 message service handler as a pure core: bytes and values in, bytes and values out.

No I/O, no clock, no randomness, no logging: time, identifiers and signing keys are arguments.
Read in this order: `messages`, `mime`, `envelope`, `agreement`, `cpa`, `decisions`, `checks`, `receive`, `reliability`.
"""
