#!/bin/bash -e
PATH="$ROOT/usr/sbin:$PATH"
httpd -t
exec httpd -D FOREGROUND
