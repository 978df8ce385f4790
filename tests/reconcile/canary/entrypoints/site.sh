#!/bin/bash
if [ -n "$POLICY_PKG_PATH" ]; then
    export PYTHONPATH="$POLICY_PKG_PATH:${PYTHONPATH}"
fi
"$@"
