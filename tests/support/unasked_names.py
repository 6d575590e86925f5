"""PyTorch's functions that ask nothing of a tensor or a size, by what they are for.

A name that is not here needs an answer: :mod:`.asked_tensors`.
"""

from __future__ import annotations

_NAMES = {
    "an object or a class has it, whatever it is":
        "Tensor.__annotations__ Tensor.__array_priority__ Tensor.__class__ Tensor.__delattr__ "
        "Tensor.__dict__ Tensor.__dir__ Tensor.__doc__ Tensor.__dlpack_c_exchange_api__ "
        "Tensor.__firstlineno__ Tensor.__getattribute__ Tensor.__getstate__ Tensor.__init__ "
        "Tensor.__init_subclass__ Tensor.__module__ Tensor.__new__ Tensor.__setattr__ "
        "Tensor.__sizeof__ Tensor.__static_attributes__ Tensor.__subclasshook__ "
        "Tensor.__torch_dispatch__ Tensor.__torch_function__ Tensor.__weakref__ "
        "Tensor._dtensor__new__ Tensor._fix_weakref Tensor._make_dtensor Tensor._make_subclass "
        "Tensor._make_wrapper_subclass",
    "a setting of the process":
        "are_deterministic_algorithms_enabled autocast autocast_decrement_nesting "
        "autocast_increment_nesting clear_autocast_cache compiled_with_cxx11_abi "
        "get_autocast_cpu_dtype "
        "get_autocast_dtype get_autocast_gpu_dtype get_autocast_ipu_dtype get_autocast_xla_dtype "
        "get_default_device get_default_dtype get_deterministic_debug_mode get_device_module "
        "get_float32_matmul_precision get_num_interop_threads get_num_threads init_num_threads "
        "is_anomaly_check_nan_enabled is_anomaly_enabled is_autocast_cache_enabled "
        "is_autocast_cpu_enabled is_autocast_enabled is_autocast_ipu_enabled "
        "is_autocast_xla_enabled is_deterministic_algorithms_warn_only_enabled is_grad_enabled "
        "is_inference_mode_enabled is_vulkan_available is_warn_always_enabled read_vitals "
        "set_anomaly_enabled set_autocast_cache_enabled set_autocast_cpu_dtype "
        "set_autocast_cpu_enabled set_autocast_dtype set_autocast_enabled set_autocast_gpu_dtype "
        "set_autocast_ipu_dtype set_autocast_ipu_enabled set_autocast_xla_dtype "
        "set_autocast_xla_enabled set_default_device set_default_dtype set_default_tensor_type "
        "set_deterministic_debug_mode set_float32_matmul_precision set_flush_denormal "
        "set_num_interop_threads set_num_threads set_printoptions set_vital set_warn_always "
        "use_deterministic_algorithms vitals_enabled",
    "the state of the random generator":
        "get_rng_state initial_seed manual_seed seed set_rng_state thread_safe_generator",
    "a tool around models, files, processes or functions":
        "compile cond export fork from_file frombuffer import_ir_module "
        "import_ir_module_from_buffer load merge_type_from_type_comment "
        "nn.functional.boolean_dispatch nn.functional.handle_torch_function "
        "nn.functional.has_torch_function nn.functional.has_torch_function_unary "
        "nn.functional.has_torch_function_variadic nn.init.calculate_gain parse_ir parse_schema "
        "parse_type_comment save unify_type_list vmap wait",
    "a helper of functions that are listed":
        "nn.functional._canonical_mask nn.functional._none_or_dtype "
        "nn.functional.assert_int_or_pair",
    "a constraint on sizes that only torch.export knows":
        "sym_constrain_range sym_constrain_range_for_size sym_fresh_size",
}  # fmt: skip

UNASKED = frozenset(f"torch.{name}" for names in _NAMES.values() for name in names.split())
"""By full name, as ``torch.overrides.resolve_name`` gives it, without ``.__get__``."""
