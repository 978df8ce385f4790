#!/bin/sh
eval "$ROOT/usr/bin/rucio-$RUCIO_DAEMON $RUCIO_DAEMON_ARGS >> $ROOT/daemon.log 2>> $ROOT/error.log"
