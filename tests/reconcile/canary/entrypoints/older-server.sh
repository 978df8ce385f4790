#!/bin/bash -e
"$ROOT/usr/sbin/httpd" -D FOREGROUND
