"""One page a file: `data` is what its JSON twin says, `draw` the charts that the page adds to it."""
