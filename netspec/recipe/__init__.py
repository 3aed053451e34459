"""The words of a recipe (`train { … }` and `test { … }`): a file each for what it speaks of."""
