"""`lofivpr align`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lofivpr.alignment import (
    Aligned,
    AlignmentError,
    Ground,
    Job,
    JobFiles,
    Plan,
    SfmOptions,
    Solution,
    fit_floor,
    place_pictures,
    read_pairs,
    read_trajectory,
    solve,
    structure_from_motion,
    times_of,
)
from lofivpr.alignment.job import facts
from lofivpr.alignment.placing import write_places
from lofivpr.alignment.plane_map import Kind
from lofivpr.alignment.town_walk import CameraKind, write_town_walk
from lofivpr.files import write_json
from lofivpr.media import image_size
from lofivpr.places import LocalFrame, Places

align = typer.Typer(help="Ground truth: bring the way of a camera onto a plan or the earth.", no_args_is_help=True)

Fps = Annotated[
    float | None, typer.Option(help="Frames a second that names of a COLMAP model and the column `frame` count.")
]
Prefix = Annotated[str, typer.Option(help="Of a COLMAP model, only pictures whose names begin so.")]
PlacesPath = Annotated[Path | None, typer.Option(help="The data set whose pictures get positions.")]
Sequence = Annotated[str | None, typer.Option(help="Only pictures of this sequence get positions.")]
Offset = Annotated[float, typer.Option(help="Seconds to add to a picture's time for the trajectory's clock.")]
Corner = Annotated[
    str | None, typer.Option(metavar="LAT,LON", help="Where on earth the plan's lower left corner lies.")
]
Up = Annotated[float, typer.Option(help="With --corner: the heading of the plan's top, in degrees.")]
Within = Annotated[
    float | None, typer.Option(help="Leave out pairs that are off by more metres, by RANSAC; all count if not given.")
]


@align.command("serve")
def serve_page(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="A picture of the floor, or of a map.")],
    trajectory: Annotated[Path, typer.Argument(metavar="TRAJECTORY", help="TUM format, or a COLMAP text model.")],
    places: PlacesPath = None,
    out: Annotated[Path | None, typer.Option(help="Where the pairs are kept; by default beside the data.")] = None,
    sequence: Sequence = None,
    offset: Offset = 0.0,
    fps: Fps = None,
    prefix: Prefix = "",
    corner: Corner = None,
    up: Up = 0.0,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8010,
    open_page: Annotated[bool, typer.Option("--open", help="Show the page in this machine's browser.")] = False,
) -> None:
    """Pick pairs of points on plan and trajectory, on a web page of this machine alone."""
    job = Job(JobFiles(plan, trajectory, places, out, offset, fps, prefix, sequence, _ground(corner, up)))
    job.load()
    from lofivpr.serving.aligner import serve_aligner  # needs the extra `serve`

    serve_aligner(job, port, lambda address: typer.echo(f"the Aligner is at {address}"), open_page)


@align.command("solve")
def solve_pairs(
    pairs: Annotated[Path, typer.Argument(metavar="PAIRS.csv", help="Pairs of points.")],
    trajectory: Annotated[Path, typer.Option(help="TUM format, or a COLMAP text model.")],
    out: Annotated[Path | None, typer.Option(help="Write the map and residuals as JSON.")] = None,
    kind: Annotated[Kind, typer.Option(help="The map: turn, scale and shift; or also shear and stretch.")] = (
        "similarity"
    ),
    within: Within = None,
    plan: Annotated[Path | None, typer.Option(help="The plan that `column` and `row` of the pairs count.")] = None,
    metres_per_pixel: Annotated[float | None, typer.Option(help="Of the plan.")] = None,
    places: PlacesPath = None,
    sequence: Sequence = None,
    offset: Offset = 0.0,
    fps: Fps = None,
    prefix: Prefix = "",
    corner: Corner = None,
    up: Up = 0.0,
) -> None:
    """Fit a trajectory to pairs of points, and give the pictures of a data set their positions."""
    way = read_trajectory(trajectory, fps or 1.0, prefix)
    floor = fit_floor(way)
    sheet = None if plan is None else Plan(*image_size(plan), metres_per_pixel)
    picked = read_pairs(pairs, way, floor, sheet, _ground(corner, up))
    found = solve(picked.source, picked.target, kind, within)
    expected = found.expected_rms(floor.xy(way.positions))
    _print_solution(found, expected)
    aligned = Aligned(way, floor, found.plane_map, picked.ground)
    if places is not None:
        data = Places.open(places)
        placed = place_pictures(data, aligned, times_of(data, way, offset, fps), sequence)
        path = write_places(placed)
        count = len(placed) - placed.table["easting"].null_count
        typer.echo(f"{count} of {len(placed)} pictures have positions in {path}")
    if out is not None:
        write_json(out, facts(found, sheet or Plan(1, 1, 1.0), floor.xy(way.positions)))
        typer.echo(f"wrote {out}")


@align.command("sfm")
def sfm(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="A clip of a camera that moves.")],
    out: Annotated[Path, typer.Option(help="The folder for trajectory.txt and COLMAP's text model.")],
    views: Annotated[
        int, typer.Option(help="Of a 360-degree clip: slices around the horizon; 0 for a plain camera.")
    ] = 0,
    fov: Annotated[
        float | None, typer.Option(help="Of a plain camera: degrees across; estimated if not given.")
    ] = None,
    rate: Annotated[float, typer.Option(help="Frames a second that are used.")] = 2.0,
    size: Annotated[int, typer.Option(help="Pixels across a slice or a frame, at most.")] = 640,
    overlap: Annotated[int, typer.Option(help="Frames before it that each frame is compared with.")] = 6,
    mask: Annotated[Path | None, typer.Option(help="A picture over the frames; its black is not looked at.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="By default all usable cores.")] = None,
) -> None:
    """Structure from motion of a clip: its trajectory, in a world and a unit of its own."""
    options = SfmOptions(rate=rate, fov=fov, views=views, size=size, overlap=overlap, mask=mask, threads=threads)
    found = structure_from_motion(clip, out, options)
    typer.echo(
        f"placed {len(found.trajectory)} of {found.frames} frames by {found.points} points "
        f"(reprojection {found.error_px:.2f} px); wrote {out / 'trajectory.txt'} and {out / 'model'}"
    )


@align.command("town")
def town(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write into.")],
    camera: Annotated[CameraKind, typer.Option(help="A 360-degree camera, or a plain one of 75 degrees.")] = "360",
    width: Annotated[int, typer.Option(min=64, help="Of the frames, in pixels.")] = 1024,
    step: Annotated[float, typer.Option(help="Metres between two frames.")] = 0.7,
    length: Annotated[float | None, typer.Option(help="Metres of the walk; once round a block if not given.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Names the town.")] = 0,
) -> None:
    """A recording from the generated town with its true trajectory and its plan, to try the others on."""
    walk = write_town_walk(out, camera, width, step, length, seed)
    typer.echo(f"wrote {walk.clip}, {walk.truth} and {walk.plan}")


def _ground(corner: str | None, up: float) -> Ground:
    if corner is None:
        return Ground(None, up)
    try:
        lat, lon = (float(cell) for cell in corner.split(","))
    except ValueError:
        raise AlignmentError(f"expected --corner as LAT,LON in degrees, found {corner!r}.") from None
    return Ground(LocalFrame(lat, lon), up)


def _print_solution(found: Solution, expected: float) -> None:
    table = Table("pair", "metres off", "")
    for number, (residual, used) in enumerate(zip(found.residuals, found.used, strict=True), start=1):
        table.add_row(str(number), f"{residual:.3f}", "" if used else "left out")
    Console().print(table)
    to_expect = "unknown: one pair more tells" if math.isnan(expected) else f"{expected:.3f} m"
    typer.echo(f"RMS of the {int(found.used.sum())} pairs used: {found.rms:.3f} m")
    typer.echo(f"RMS error to expect along the trajectory: {to_expect}")
    plane_map = found.plane_map
    typer.echo(f"one unit of the trajectory: {plane_map.scale:.6g} m; turned by {plane_map.rotation_deg:.2f} degrees")
