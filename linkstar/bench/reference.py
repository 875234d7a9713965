"""What the same database and the same gunicorn give a program without sign-in, rules or compression: bare views."""

import os

from flask import Flask, render_template, request
from sqlalchemy import create_engine, text

from linkstar import config
from linkstar.extensions import read_only

CARDS = text("""
    SELECT task.id, task.stage_id, task.title_zh AS title, task.position, task.version, task.platform, task.priority,
        task.due_on, task.check_count, task.checked_count, task.comment_count, person.name AS owner,
        before.title_zh AS blocked_by
    FROM task JOIN "user" AS person ON person.id = task.owner_id
    LEFT JOIN dependency ON dependency.successor_id = task.id
    LEFT JOIN task AS before ON before.id = dependency.predecessor_id AND before.completed_at IS NULL
    WHERE task.project_id = :project_id AND task.trashed_at IS NULL ORDER BY task.stage_id, task.position
""")
MOVE = text("UPDATE task SET stage_id = :stage_id, version = version + 1 WHERE id = :task_id")


def create_app() -> Flask:
    app = Flask(__name__, template_folder=os.path.dirname(__file__))
    engine = create_engine(config.load(os.environ)["SQLALCHEMY_DATABASE_URI"])

    @app.get("/boards/<int:project_id>")
    def board(project_id: int) -> str:
        read_only()
        with engine.begin() as connection:
            cards = connection.execute(CARDS, {"project_id": project_id}).all()
        return render_template("reference.html", cards=cards)

    @app.post("/moves/<int:task_id>")
    def move(task_id: int) -> str:
        with engine.begin() as connection:
            connection.execute(MOVE, {"task_id": task_id, "stage_id": request.form["stage_id"]})
        return "moved"

    return app
