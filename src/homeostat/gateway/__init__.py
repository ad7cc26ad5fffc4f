"""The OpenAI-compatible door: decodes a request, calls one function, encodes what comes back."""
