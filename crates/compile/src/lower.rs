//! Lowering pipeline: swc's passes from ES2022 down to ES5, one by one, each with the settings that the engine needs.
//!
//! One switch for all would be wrong either way: with all of them loose Map, Set and generators give other results without
//! a word; with all of them strict there must be `Reflect.construct`, `WeakMap` and a `prototype` that cannot be written.
//! Regular expressions stay as they are, and `typeof` too: the engine has the flags, and symbols are strings.

use swc_common::Mark;
use swc_common::comments::SingleThreadedComments;
use swc_ecma_ast::{Ident, Program};
use swc_ecma_transforms_base::fixer::fixer;
use swc_ecma_transforms_base::helpers::HELPERS;
use swc_ecma_transforms_base::hygiene::hygiene;
use swc_ecma_transforms_compat::{es2015, es2016, es2017, es2018, es2019, es2020, es2021, es2022};
use swc_ecma_visit::{VisitMut, VisitMutWith};

use hauki_lang::runtime_names::HELPERS as HELPERS_THERE;

use super::arrows::Arrows;
use super::faults::FaultList;
use super::scopes::ResolvedNames;
use super::{call_other, close_loops, instance_of, private_in};

/// To the syntax of ES5. Names may still be two things at once: see [`settle`].
pub(crate) fn lower(program: &mut Program, arrows: &Arrows, names: ResolvedNames, faults: &mut FaultList) {
    let unresolved = names.unresolved;
    let asked = private_in::ask(program);
    instance_of::replace(program, names);
    // Before private names: their own pass takes `o?.#x.y` for `(o?.#x).y`.
    program.mutate(es2020::optional_chaining(
        es2020::optional_chaining::Config { no_document_all: true, pure_getter: false },
        unresolved,
    ));
    program.mutate((
        es2022::static_blocks(),
        es2022::class_properties(
            es2022::class_properties::Config {
                private_as_properties: true,
                set_public_fields: true,
                no_document_all: true,
                constant_super: false,
                pure_getter: false,
            },
            unresolved,
        ),
    ));
    private_in::answer(program, asked, names);
    program.mutate((
        es2021::logical_assignments(),
        es2020::nullish_coalescing(es2020::nullish_coalescing::Config { no_document_all: true }),
    ));
    call_other::replace(program, arrows, names);
    program.mutate((
        es2019::optional_catch_binding(),
        es2018::object_rest_spread(es2018::object_rest_spread::Config::default()),
        es2017::async_to_generator(es2017::async_to_generator::Config::default(), unresolved),
        es2016::exponentiation(),
    ));
    close_loops::wrap(program, names);
    program.mutate((
        es2015::block_scoped_functions(),
        es2015::template_literal(es2015::template_literal::Config {
            // What stands in a template becomes text as it likes itself: a date is no number.
            ignore_to_primitive: false,
            mutable_template: false,
        }),
        es2015::classes(es2015::classes::Config {
            super_is_callable_constructor: true,
            set_class_methods: true,
            constant_super: false,
            no_class_calls: false,
        }),
        es2015::new_target(),
        es2015::spread(es2015::spread::Config { loose: false }, unresolved),
        es2015::object_super(),
        es2015::for_of(es2015::for_of::Config { loose: true, assume_array: false }),
        es2015::parameters(es2015::parameters::Config { ignore_function_length: false }, unresolved),
    ));
    program.mutate((
        es2015::arrow(unresolved),
        // Arrows and methods are functions by now, which get the names of what they are given to.
        es2015::shorthand(),
        es2015::function_name(),
        es2015::computed_properties(es2015::computed_props::Config { loose: true }),
        es2015::destructuring(es2015::destructuring::Config { loose: false }),
        es2015::block_scoping(unresolved),
        es2015::generator::generator(unresolved, None::<SingleThreadedComments>),
    ));
    let helpers = HELPERS.with(|helpers| helpers.mark());
    program.visit_mut_with(&mut GlobalHelpers { helpers, names, faults });
}

/// Gives each variable a name of its own, and each expression the brackets that it needs.
pub(crate) fn settle(program: &mut Program) {
    program.mutate((hygiene(), fixer(None)));
}

/// Helpers are globals of the run-time: free names, which no variable of the source may be called.
struct GlobalHelpers<'a> {
    helpers: Mark,
    names: ResolvedNames,
    faults: &'a mut FaultList,
}

impl VisitMut for GlobalHelpers<'_> {
    fn visit_mut_ident(&mut self, name: &mut Ident) {
        if name.ctxt.outer() == self.helpers {
            name.ctxt = self.names.global();
            // It would show only when the code runs.
            if HELPERS_THERE.binary_search(&&*name.sym).is_err() {
                let message =
                    format!("what this is lowered to needs `{}`, which the run-time lacks", name.sym);
                self.faults.add(name.span, message, "write it another way");
            }
        }
    }
}
