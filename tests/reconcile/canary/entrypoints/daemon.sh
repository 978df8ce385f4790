#!/bin/sh
echo "daemon $RUCIO_DAEMON with $RUCIO_DAEMON_ARGS"
eval "exec python3 $ROOT/usr/local/bin/rucio-$RUCIO_DAEMON $RUCIO_DAEMON_ARGS"
