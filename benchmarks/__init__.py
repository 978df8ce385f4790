"""What secretsync costs, measured in one run beside the shell cron job that it replaces."""
