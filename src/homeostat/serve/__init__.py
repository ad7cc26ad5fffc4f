"""Answers requests: route, model, record. The gateway is one door to it; whoever embeds Homeostat has another."""
