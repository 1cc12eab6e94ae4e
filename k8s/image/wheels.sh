# Sourced while the image is built: where packages come from. If /wheels holds any, from there alone.
# shellcheck shell=sh disable=SC2034
from=""
if [ -n "$(find /wheels -name '*.whl' -print -quit)" ]; then
    from="--no-index --find-links /wheels"
fi
