"""Over which transports each black-box test runs: over all four, but for what stands here, with the reason.

`FRESHET_TRANSPORT` names the transport of a run. Over HTTP/1.1 in clear text everything runs; from the other runs conftest.py leaves
out what this says, and scripts/lib/over-transports runs what is left.
"""

import functools
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parents[1]

CLEAR = {"clear"}
HTTP1 = {"clear", "tls"}
ALL = {"clear", "tls", "h2c", "h2"}

# A test is named by its file, or by its file and its function, each without `test_`.
TABLE = [
    (
        CLEAR,
        "It says itself which transport it is about.",
        """
        tls http2 http2_clients http2_flow http2_frames browsers_http2 cross_site
        logs::so_is_one_that_takes_nothing_of_a_response_that_is_written
        inflight::what_stalled_readers_have_not_taken_is_bounded
        inflight::one_commit_for_many_who_do_not_take_it_is_bounded
        producers::https_with_a_certificate_of_one_s_own relay::a_502_says_in_words_that_the_upstream_speaks_no_tls
        """,
    ),
    (
        CLEAR,
        "It starts no server, or reaches one that is not started by support/freshet.py.",
        """
        documents declarations steps packages chart demo_script shell_help hummingbird doctor
        redis_functions redis_mistakes redis_reading redis_marks redis_lifetimes redis_forks redis_nodes redis_steps redis_outbox
        logs::a_log_that_nobody_reads_keeps_nobody_waiting
        nodes_seen::the_demo_of_three_nodes_survives_one_and_ends_all_that_it_started
        """,
    ),
    (
        CLEAR,
        "Its nodes have addresses of their own, for which there is no certificate; it is about what is between them and Redis.",
        """
        faults
        """,
    ),
    (
        CLEAR,
        "It runs an example as a document prints it, with http://.",
        """
        readme recipes stacks stacks_swift token_back_ends
        """,
    ),
    (
        CLEAR,
        "Between client and server stands what reads HTTP/1 in clear text: a proxy, or one that cuts after a number of events.",
        """
        proxies doctor_proxies monitoring tail::a_coding_that_was_not_asked_for_is_told
        producers::what_waits_while_a_request_is_under_way_is_one_request
        producers::what_is_not_acknowledged_is_bounded_and_append_waits
        producers::an_append_that_asyncio_cancels_while_it_waits_is_not_made
        producers::an_append_whose_response_is_lost_is_neither_lost_nor_doubled
        producers::kill_9_of_the_server_loses_doubles_and_reorders_nothing
        producers::what_is_stored_by_a_server_that_comes_back_with_another_limit_is_neither_lost_nor_doubled
        sse_clients::it_resumes_after_every_cut_and_gets_nothing_twice
        public_url::the_pages_find_everything_under_the_path public_url::the_article_runs_under_the_path
        browsers::a_cut_at_every_event_loses_and_doubles_nothing
        browsers::a_cut_at_every_event_of_an_answer_that_is_being_written
        browser_module::it_goes_on_after_503s_for_ten_seconds
        """,
    ),
    (
        HTTP1,
        "It is about bytes, or connections, of HTTP/1; test_http2.py says what HTTP/2 has in their place.",
        """
        native_sse::the_head_comes_at_once_with_the_first_comment_in_the_same_write
        native_sse::the_head_says_what_proxies_and_browsers_need
        native_sse::bytes_after_the_request_of_a_subscription_are_discarded
        limits::a_head_that_is_too_large_is_431 plain::a_torn_body_ends_with_what_is_no_chunk
        relay::half_of_what_is_passed_on_is_torn_for_http_1_0_too
        article::the_sixth_connection browser_module::eight_tabs_on_eight_streams_leave_room_for_requests
        browser_module::connections_can_be_reserved
        chat_tabs::a_page_that_waits_for_a_connection_says_so_and_esc_takes_the_question_back
        logs::a_request_that_fails_is_one_line logs::no_line_has_a_secret_or_a_command
        """,
    ),
    (
        HTTP1,
        "Over HTTP/2 a head of more than 16 KiB waits until the client has acknowledged the server's settings; the client here does not.",
        """
        tokens::a_token_of_64_kib_is_too_much
        """,
    ),
    (
        CLEAR,
        "It measures what a server's other work costs, with clients that speak HTTP/1.1 in clear text because they must cost little.",
        """
        lists load inspection::neither_readers_nor_other_requests_notice_that_many_readers_are_listed
        logs::a_flood_of_failing_requests_neither_fills_the_log_nor_costs_more_than_one_that_is_not_logged
        """,
    ),
]


@functools.cache
def _table():
    return {name: transports for transports, _, names in TABLE for name in names.split()}


def runs_over(file, function):
    """The transports of a test, by the names of its file and its function."""
    file = file.removeprefix("test_").removesuffix(".py")
    table = _table()
    return table.get(f"{file}::{function.removeprefix('test_')}") or table.get(file) or ALL


def unknown():
    """The names in the table that no test has."""
    found = []
    for name in _table():
        file, _, function = name.partition("::")
        path = FOLDER / f"test_{file}.py"
        if not path.exists() or function and not re.search(rf"^(async )?def test_{function}\(", path.read_text(), re.MULTILINE):
            found.append(name)
    return found
