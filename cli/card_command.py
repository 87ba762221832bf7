"""``ganmetrics card RESULT``."""

from __future__ import annotations

import click

from .grouped_help import Command


@click.command(cls=Command)
@click.argument("result")
@click.option("-o", "--output", "folder", required=True, metavar="FOLDER", help="The folder for the files.")
@click.option("--model", default="model", show_default=True, help="The name of the model.")
@click.option("--dataset", default="", metavar="ORG/NAME", help="The data set of the real images on the Hub.")
@click.option("--dataset-name", default="", help="How people call it.  [default: the name on the Hub]")
@click.option(
    "--task", default="unconditional-image-generation", show_default=True, help="The task, by the Hub's name."
)
@click.option("--source", default="", metavar="URL", help="The address where the scores come from.")
@click.option("--date", default="", metavar="DAY", help="The day of the evaluation, such as 2026-01-31.")
@click.option("--force", is_flag=True, help="Overwrite existing files.")
def command(
    result: str,
    folder: str,
    model: str,
    dataset: str,
    dataset_name: str,
    task: str,
    source: str,
    date: str,
    force: bool,
) -> None:
    """Write a saved result for a model's page on the Hub.

    RESULT is a file of --json. FOLDER gets model-index.yaml for the head of README.md, .eval_results/ganmetrics.yaml
    where --dataset names the data set, evaluation.md for the card, badge.svg and citations.bib. Nothing is uploaded.

    \b
    ganmetrics card result.json -o card/ --model ours --dataset ylecun/mnist
    hf upload ours/model card/.eval_results .eval_results
    """
    from ganmetrics.evaluation.saved_scores import saved_scores
    from ganmetrics.reporting.model_card import write_card

    facts = {"model": model, "dataset": dataset, "dataset_name": dataset_name, "task": task, "source": source}
    for path in write_card(saved_scores(result), folder, {**facts, "date": date}, force=force):
        click.echo(path)
    if not dataset:
        click.echo("no .eval_results were written: they need --dataset ORG/NAME", err=True)
