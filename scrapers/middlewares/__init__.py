"""What stands between a spider and the network: guard, robots, patience, refusals."""
