"""One file per kind of object. Kinds are strangers to one another; `reconciler.app` discovers them."""
