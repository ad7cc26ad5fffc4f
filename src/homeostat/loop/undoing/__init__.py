"""What is taken back: broken versions in a drill, and what an erased user left."""
