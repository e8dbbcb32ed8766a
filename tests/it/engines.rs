//! Engines: one contract, and every engine keeps it.

mod inside;
mod inspected;
mod life;
mod limits;
mod oci_runtimes;
mod own_kernel;
mod stage;
mod strangers;
mod strays;
mod walls;

use stage::Stage;
pub(crate) use stage::open_docker;

/// Whether this machine has gVisor below an engine.
pub(crate) async fn gvisor_below(engine: &'static str) -> Result<(), String> {
    let stage = match engine {
        "docker" => Stage::gvisor_on_docker(engine).await,
        _ => Stage::gvisor(engine).await,
    };
    stage.map(drop)
}

/// One test for each promise, each on a stage of its own, which is cleared whatever happens.
macro_rules! promises {
    ($engine:ident needs $part:ident: $($room:ident { $($name:ident)* })*) => {
        mod $engine {
            $($(
                #[tokio::test]
                async fn $name() {
                    let name = concat!(module_path!(), "::", stringify!($name));
                    let stage = need!($part, super::Stage::$engine(name).await);
                    if let Some(stage) = stage {
                        stage.play(super::$room::$name(&stage)).await;
                    }
                }
            )*)*
        }
    };
}

macro_rules! engine_contract {
    ($($engine:ident)|+) => { $(engine_contract!(@ $engine);)+ };
    (@ fake) => {
        promises! { fake needs local: life {
            creating_twice_is_no_error
            a_runtime_is_created_then_runs_then_is_stopped_then_gone
            starting_what_runs_and_stopping_what_is_stopped_is_no_error
            removing_what_is_gone_is_no_error
            what_does_not_exist_can_neither_start_nor_stop
            a_later_generation_takes_the_place_of_an_earlier_one
            a_runtime_outlives_the_engine_that_started_it
            only_the_runtimes_of_this_instance_are_listed
            a_stopped_runtime_starts_again_with_its_files
            a_supervisor_that_ends_leaves_its_runtime_stopped
            a_running_runtime_can_be_removed
            a_running_runtime_uses_something_and_a_stopped_one_nothing
            an_image_can_be_asked_what_it_is
        }
        limits {
            a_runtime_whose_limits_changed_is_still_the_same
        } }
    };
    (@ crun) => { engine_contract!(@ crun needs crun); };
    (@ gvisor) => {
        engine_contract! { @ gvisor needs gvisor:
            limits {
                the_limit_of_processes_holds
                the_limit_of_open_files_holds
                tmp_and_shared_memory_are_bounded
                less_memory_than_is_in_use_is_refused
            }
            own_kernel {
                a_busy_runtime_gets_no_more_cpu_than_its_limit
                too_much_memory_ends_the_runtime_which_tells_why_and_starts_again
                as_much_memory_is_seen_as_there_may_be
                memory_and_cpu_change_at_once
                the_limit_of_processes_changes_from_the_next_start_on
            }
        }
    };
    (@ gvisor_on_docker) => {
        engine_contract! { @ gvisor_on_docker needs gvisor:
            limits {
                the_limit_of_processes_holds
                the_limit_of_open_files_holds
                tmp_and_shared_memory_are_bounded
            }
            own_kernel {
                a_busy_runtime_gets_no_more_cpu_than_its_limit
                too_much_memory_ends_the_runtime_which_tells_why_and_starts_again
                as_much_memory_is_seen_as_there_may_be
                no_limit_changes_while_it_runs
                memory_changes_from_the_next_start_on_and_processes_never
            }
        }
    };
    (@ docker) => { engine_contract!(@ docker needs docker); };
    (@ $engine:ident) => { engine_contract!(@ $engine needs local); };
    (@ $engine:ident needs $part:ident) => {
        engine_contract! { @ $engine needs $part:
            limits {
                the_limit_of_cpu_holds
                the_limit_of_processes_holds
                the_limit_of_memory_holds
                the_limit_of_open_files_holds
                tmp_and_shared_memory_are_bounded
                a_changed_limit_of_processes_holds_at_once_and_after_a_new_start
                a_changed_limit_of_memory_holds_at_once
                a_changed_limit_of_cpu_holds_at_once
                less_memory_than_is_in_use_is_refused
                a_runtime_whose_limits_changed_is_still_the_same
            }
        }
    };
    (@ $engine:ident needs $part:ident: $($limits:tt)*) => {
        promises! { $engine needs $part:
            life {
                creating_twice_is_no_error
                a_runtime_is_created_then_runs_then_is_stopped_then_gone
                starting_what_runs_and_stopping_what_is_stopped_is_no_error
                removing_what_is_gone_is_no_error
                what_does_not_exist_can_neither_start_nor_stop
                a_later_generation_takes_the_place_of_an_earlier_one
                a_runtime_outlives_the_engine_that_started_it
                only_the_runtimes_of_this_instance_are_listed
                a_stopped_runtime_starts_again_with_its_files
                a_supervisor_that_ends_leaves_its_runtime_stopped
                a_running_runtime_can_be_removed
                a_running_runtime_uses_something_and_a_stopped_one_nothing
                an_image_can_be_asked_what_it_is
            }
            inside {
                nobody_inside_is_root_or_can_become_root
                only_the_workspace_and_tmp_can_be_written
                there_is_no_network_but_loopback_which_is_up
                the_supervisor_is_the_first_process_and_no_other_is_seen
                calls_that_lead_out_are_refused
                the_link_directory_cannot_be_changed
                no_engines_socket_is_in_reach
                nothing_of_the_machine_is_seen
                files_made_inside_belong_to_the_runtimes_user
                a_question_to_an_image_is_as_confined
                a_question_that_goes_round_in_circles_comes_to_an_end
            }
            walls {
                a_set_user_id_program_gains_nothing
                no_namespace_of_the_machine_is_shared
                processes_whose_parent_is_gone_are_reaped
                what_tells_of_the_machine_is_masked
                nothing_is_reached_but_by_the_proxy
                another_runtime_is_not_reached
                proxy_variables_unset_or_hostile_change_nothing
                with_nobody_behind_the_proxy_nothing_leaves
                ordinary_tools_work
            }
            $($limits)*
        }
    };
}

engine_contract!(fake | local | crun | gvisor | gvisor_on_docker | bubblewrap | docker);
