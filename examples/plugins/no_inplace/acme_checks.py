"""A structural check: no operator writes to its argument, so that features can be kept."""

from archlint.extend import Violation, hookimpl, traits_of


def no_inplace(view, setting):
    """``acme.no-inplace: true``, or ``{except: [relu_]}``."""
    allowed = setting.get("except", []) if isinstance(setting, dict) else []
    reported = set()
    for graph in view.graphs:
        for node in graph.nodes:
            if node.op != "call_function":
                continue
            name = getattr(node.target, "__name__", "")
            writes = traits_of(node.target).writes != () or node.kwargs.get("inplace")
            place = node.meta["module"], name
            if writes and name not in allowed and place not in reported:
                reported.add(place)
                message = f"{name} writes to its argument"
                yield Violation(message, node.meta["module"], name, node.meta["source"])


@hookimpl
def archlint_checks():
    return {"acme.no-inplace": no_inplace}
