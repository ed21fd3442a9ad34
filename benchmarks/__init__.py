"""Speed, as ratios to a stated baseline in the same run. `make bench` prints the table."""
