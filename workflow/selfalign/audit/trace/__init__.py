"""`selfalign trace`: from a number in a figure or a table to its cells, and from a cell to its evidence.

trace          the command
names          names that the user wrote -> names of the run
points         figure, table and names -> rows of a table
contributions  a point -> its cells, and the contribution of each to the number
calibration    the same for the figure that has no table
excluded       why a probe has no cell
evidence       a cell -> people, demonstrations, prompts, score
origins        where survey, probes and model come from
tokens         the tokens of a prompt
report         a number as text
files          its cells as CSV and JSON
session        options of the command -> the printed text
results, show  the run's tables; sections and tables as text
"""
