"""What ships with the package: a small pretrained model and a year of traffic, both our own."""
