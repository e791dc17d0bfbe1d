"""The core: what may be cut, when and why. Pure; standard library and `enforcement` only; time is always passed in."""
