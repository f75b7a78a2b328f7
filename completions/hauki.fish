# fish completion for hauki, and for the name under which it replaces x-hauki-core.
if command -q hauki
    COMPLETE=fish hauki | source
    complete --command x-hauki-core --wraps hauki
end
