#!/bin/sh
PATH="$ROOT/usr/local/bin:$PATH" exec "rucio-$RUCIO_DAEMON" $RUCIO_DAEMON_ARGS
