"""The project's file `homeostat.yaml`: its knobs (`schema`), how it is read (`load`, `decode`), its hash."""
