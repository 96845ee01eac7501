"""Names of transformers.TrainingArguments that a recipe may not set, and why."""

from __future__ import annotations

_NAMES_BY_REASON = {
    "set output_dir at the top of the recipe": "output_dir",
    "set seed at the top of the recipe": "seed data_seed",
    "set evaluation.batch_size": "per_device_eval_batch_size",
    "it would change the NTP loss": "label_smoothing_factor",
    "it would change what the model sees while training": "neftune_noise_alpha",
    "a run never uploads anything; upload the run's model/ folder yourself": (
        "push_to_hub hub_token hub_private_repo hub_model_id hub_strategy hub_always_push hub_revision "
        "trackio_space_id trackio_bucket_id trackio_static_space_id"
    ),
    "not supported: its exactness is not tested here": (
        "parallelism_config accelerator_config use_liger_kernel "
        "liger_kernel_config full_determinism torch_compile_backend torch_compile_mode"
    ),
    "not done here: it was never tested with this; fsdp: true splits the same (ZeRO stage 3)": "deepspeed",
    "it would change the batch size, and with it the meaning of the recipe": "auto_find_batch_size",
    "use bf16: fp16 overflows without a loss scale and is not supported": "fp16 fp16_full_eval",
    "set bf16, or model.dtype": "bf16_full_eval",
    "an interrupted run resumes by itself; --overwrite starts anew": (
        "resume_from_checkpoint ignore_data_skip restore_callback_states_from_checkpoint "
        "enable_jit_checkpoint save_only_model"
    ),
    "the core sets it: batches arrive ready": (
        "remove_unused_columns label_names train_sampling_strategy length_column_name "
        "dataloader_in_order dataloader_multiprocessing_context "
        "dataloader_persistent_workers dataloader_pin_memory dataloader_prefetch_factor"
    ),
    "the core sets it: losses are averaged over the whole optimizer step": "average_tokens_across_devices",
    "the core sets it: a dead run must show": "logging_nan_inf_filter",
    "the core evaluates by itself; see the evaluation section": (
        "prediction_loss_only eval_do_concat_batches eval_use_gather_object eval_accumulation_steps "
        "include_for_metrics batch_eval_metrics eval_delay eval_on_start do_train do_eval do_predict"
    ),
    "set eval_steps": "eval_strategy",
    "set save_steps": "save_strategy",
    "set logging_steps": "logging_strategy logging_first_step",
    "set warmup_steps": "warmup_ratio",
    "the weights at the end count; picking by a test score would leak it": (
        "load_best_model_at_end metric_for_best_model greater_is_better"
    ),
    "set gradient_checkpointing": (
        "activation_checkpointing activation_checkpointing_kwargs gradient_checkpointing_kwargs"
    ),
    "the optimizer is AdamW; set its adam_* values": "optim_args optim_target_modules",
    "the schedules here take no more than warmup_steps": "lr_scheduler_kwargs",
    "a matter of the terminal, not of the recipe": (
        "log_level log_level_replica disable_tqdm log_on_each_node save_on_each_node"
    ),
    "a matter of the machine: pick it with --device": "use_cpu",
    "a matter of the machine: the launcher sets it": (
        "local_rank ddp_backend ddp_bucket_cap_mb ddp_broadcast_buffers ddp_find_unused_parameters ddp_static_graph"
    ),
    "trackers call a run by its output_dir": "run_name project",
    "for debugging transformers itself": (
        "debug skip_memory_metrics include_num_input_tokens_seen torch_empty_cache_steps"
    ),
    "the core sets it": "use_cache",
}

#: name -> why a recipe may not set it
REFUSED = {name: reason for reason, names in _NAMES_BY_REASON.items() for name in names.split()}
