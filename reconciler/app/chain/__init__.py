"""What commands do with a target's chain: find the position, check, save, squash, renew, undo."""
