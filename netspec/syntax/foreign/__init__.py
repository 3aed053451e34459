"""Lines of other systems (Caffe, Darknet, Keras, PyTorch and kin), recognised and answered with the
line of the language that says the same. Imported only where a file has a mistake.
"""
