"""Kennisgevingen for DROP 3PAS. Pure; nothing here yet."""
