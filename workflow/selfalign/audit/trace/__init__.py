"""`selfalign trace`: from a number in a figure or a table to its cells, and from a cell to its evidence.

names          what the user named -> the run's own names
points         figure, table and names -> the points that are meant
contributions  a point -> its cells, and what each adds to the number
calibration    the same for the figure that has no table
excluded       why a probe has no cell
evidence       a cell -> people, demonstrations, prompts, score
origins        where survey, probes and model come from
tokens         the tokens of a prompt
report         a number as text
files          its cells as CSV and JSON
session        what the user asked -> what is printed
results, show  the run's tables; sections and tables as text
command        the command
"""
