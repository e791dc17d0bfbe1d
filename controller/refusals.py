"""The one way in which what a person ordered is refused: a sentence that says why, and what to do instead."""


class OrderRefused(ValueError):
    """The order makes no sense as the service is now; says why, in one sentence. `wrong_request` tells 422 from 409."""

    def __init__(self, words: str, wrong_request: bool = False) -> None:
        super().__init__(words)
        self.wrong_request = wrong_request
