"""Organisations, their stores and users: who asks, and what they may see and change."""
