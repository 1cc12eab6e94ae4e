"""What people and machines read: a plan in, characters out."""
