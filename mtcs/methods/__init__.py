"""The methods: each an encoder together with its objective. What builds them are their parameters, `mtcs.specs`."""
