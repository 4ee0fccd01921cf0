"""`selfalign plan`: what a run will compute, how long it will take and what it will cost, before anything runs."""
