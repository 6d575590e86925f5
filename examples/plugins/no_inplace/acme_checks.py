"""A structural check: no operator writes into its argument, so that features can be kept."""

from archlint.extend import Violation, hookimpl


def no_inplace(seen, asked):
    """``acme.no-inplace: true``, or ``{except: [relu_]}``."""
    allowed = asked.get("except", []) if isinstance(asked, dict) else []
    told = set()
    for graph in seen.graphs:
        for node in graph.nodes:
            if node.op != "call_function":
                continue
            name = getattr(node.target, "__name__", "")
            writes = (name.endswith("_") and not name.endswith("__")) or (
                node.kwargs.get("inplace") or name == "__setitem__"
            )
            place = node.meta["module"], name
            if writes and name not in allowed and place not in told:
                told.add(place)
                message = f"{name} writes into its argument"
                yield Violation(message, node.meta["module"], name, node.meta["source"])


@hookimpl
def archlint_checks():
    return {"acme.no-inplace": no_inplace}
