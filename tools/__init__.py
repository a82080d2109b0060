"""Commands for people who count recorded clips. Nothing imports them."""
