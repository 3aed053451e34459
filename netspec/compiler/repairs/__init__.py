"""What explains an error of shapes or claims: the chain of shapes that led to it, and changes that
were tried and mend it. Imported only where there is such an error.

Nothing is offered on trust: a change of a line's own arguments is put to the layer's own rule, a
change further up is run down from there, layer by layer, with every claim on the way still held.
"""
