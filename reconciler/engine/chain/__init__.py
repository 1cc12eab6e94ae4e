"""The chain of a target: its plans in order, and the snapshot of the state that they lead to."""
