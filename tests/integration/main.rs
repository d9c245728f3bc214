mod bad_input;
mod scenario_files;
