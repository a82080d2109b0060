"""Webhooks: what happens in a store is posted to an address of its owner, signed, and again until it is taken."""
