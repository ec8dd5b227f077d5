using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Sequent.Bus.Publishing;
using Sequent.Bus.Reading;
using Sequent.Bus.Storage;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Publishing;

/// <summary>What is answered when the store fails.</summary>
internal sealed class SequencerTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _time = new();
    private FaultyStore _store = null!;
    private EventLog _log = null!;
    private Sequencer _sequencer = null!;
    private Task _running = null!;
    private readonly List<int> _answered = [];
    private int _requests;
    private Channel<PublishResult> _answers = null!;

    [SetUp]
    public async Task Start()
    {
        _store = new FaultyStore();
        _answered.Clear();
        _requests = 0;
        _answers = Channel.CreateUnbounded<PublishResult>();
        _log = new EventLog(_store, new RecentCommits(1_000_000));
        _sequencer = new Sequencer(_store, _log, _time, NullLogger<Sequencer>.Instance);
        await _sequencer.StartAsync(await _store.OpenAsync(default), default);
        _running = _sequencer.RunAsync(default);
    }

    [TearDown]
    public async Task Stop()
    {
        _sequencer.Complete();
        await _running.WaitAsync(Limit);
        await _store.DisposeAsync();
    }

    private PublishRequest Request(NewMessage message, ProtocolVersion version = ProtocolVersion.V2)
    {
        var number = ++_requests;
        return new(message, new Producer(1, "s"), version, (_, result) =>
        {
            _answered.Add(number);
            _answers.Writer.TryWrite(result);
        });
    }

    private ValueTask SubmitAsync(string key = "k", ProtocolVersion version = ProtocolVersion.V2) =>
        _sequencer.SubmitAsync(Request(new NewMessage([new NewEvent(key, null, 1, "t", "1"u8.ToArray())]), version), default);

    private async Task<PublishResult> AnswerAsync() => await _answers.Reader.ReadAsync().AsTask().WaitAsync(Limit);

    [Test]
    public async Task A_failed_append_is_answered_and_leaves_no_trace()
    {
        _store.NextOutcome = AppendOutcome.NotCommitted;
        await SubmitAsync();
        Assert.That((await AnswerAsync()).Kind, Is.EqualTo(PublishResultKind.StoreUnavailable));
        await SubmitAsync();
        var again = await AnswerAsync();
        Assert.That((again.Entries[0].Value, again.Entries[0].Position), Is.EqualTo(((uint?)0, (long?)1)));
    }

    [Test]
    public async Task An_unknown_outcome_is_looked_up_before_it_is_answered([Values] bool stored)
    {
        (_store.NextOutcome, _store.UnknownIsStored) = (AppendOutcome.Unknown, stored);
        await SubmitAsync();
        var answer = await AnswerAsync();
        Assert.That(answer.Kind, Is.EqualTo(stored ? PublishResultKind.Decided : PublishResultKind.StoreUnavailable));
        Assert.That(_log.Head, Is.EqualTo(stored ? 1 : 0));
        await SubmitAsync();
        Assert.That((await AnswerAsync()).Entries[0].Value, Is.EqualTo(stored ? 1 : 0));
    }

    [Test]
    public async Task An_outcome_that_stays_unknown_ends_the_sessions_and_is_still_looked_up()
    {
        (_store.NextOutcome, _store.UnknownIsStored, _store.RecoveryFails) = (AppendOutcome.Unknown, true, true);
        await SubmitAsync();
        while (!_answers.Reader.TryPeek(out _))
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.That((await AnswerAsync()).Kind, Is.EqualTo(PublishResultKind.OutcomeUnknown));
        _store.RecoveryFails = false;
        await SubmitAsync();
        while (!_answers.Reader.TryPeek(out _))
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.That((await AnswerAsync()).Entries[0].Value, Is.EqualTo(1), "it had been stored");
    }

    [Test]
    public async Task A_v1_request_is_kept_while_the_store_fails_and_stored_before_anything_newer()
    {
        _store.AppendsFail = true;
        await SubmitAsync("old", ProtocolVersion.V1);
        await UntilAsync(() => _sequencer.IsInTrouble);
        Assert.That(_sequencer.WaitForStoreAsync(default).IsCompleted, Is.False, "its session is not read on");
        await SubmitAsync("young");
        await AdvanceUntilAsync(() => _answers.Reader.TryPeek(out _));
        Assert.That((await AnswerAsync()).Kind, Is.EqualTo(PublishResultKind.StoreUnavailable), "a v2 session is told at once");
        _store.AppendsFail = false;
        await AdvanceUntilAsync(() => _answers.Reader.TryPeek(out _));
        Assert.That((await AnswerAsync()).Entries[0].Position, Is.EqualTo(1));
        await _sequencer.WaitForStoreAsync(default).WaitAsync(Limit);
    }

    [Test]
    public async Task A_v1_request_is_dropped_after_30_seconds()
    {
        _store.AppendsFail = true;
        await SubmitAsync("old", ProtocolVersion.V1);
        await UntilAsync(() => _sequencer.IsInTrouble);
        var start = _time.GetTimestamp();
        await AdvanceUntilAsync(() => _answers.Reader.TryPeek(out _));
        Assert.That((await AnswerAsync()).Kind, Is.EqualTo(PublishResultKind.StoreUnavailable));
        Assert.That(_time.GetElapsedTime(start), Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(30)));
        _store.AppendsFail = false;
        await AdvanceUntilAsync(() => !_sequencer.IsInTrouble);
    }

    [Test]
    public async Task A_v1_request_that_comes_late_in_the_trouble_has_30_seconds_of_its_own()
    {
        _store.AppendsFail = true;
        await SubmitAsync("first", ProtocolVersion.V1);
        await AdvanceUntilAsync(() => _answers.Reader.TryPeek(out _));
        await AnswerAsync();
        var start = _time.GetTimestamp();
        await SubmitAsync("second", ProtocolVersion.V1);
        await AdvanceUntilAsync(() => _answers.Reader.TryPeek(out _));
        Assert.That(_time.GetElapsedTime(start), Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(30)));
    }

    [Test]
    public async Task An_answer_that_stores_nothing_does_not_end_the_trouble()
    {
        _store.AppendsFail = true;
        await SubmitAsync();
        await AnswerAsync();
        await _sequencer.SubmitAsync(Request(new NewMessage([])), default);
        Assert.That((await AnswerAsync()).Kind, Is.EqualTo(PublishResultKind.Decided));
        await SubmitAsync();
        Assert.That((await AnswerAsync()).Kind, Is.EqualTo(PublishResultKind.StoreUnavailable));
        Assert.That(_sequencer.IsInTrouble, Is.True);
    }

    [Test]
    public async Task While_an_outcome_is_unknown_whatever_comes_after_it_is_told_that_nothing_was_stored()
    {
        (_store.NextOutcome, _store.RecoveryFails) = (AppendOutcome.Unknown, true);
        await SubmitAsync("unknown");
        await UntilAsync(() => _store.Recoveries > 0);
        await SubmitAsync("later");
        await AdvanceUntilAsync(() => _answers.Reader.TryPeek(out _));
        Assert.That((await AnswerAsync()).Kind, Is.EqualTo(PublishResultKind.StoreUnavailable));
        Assert.That(_sequencer.IsInTrouble, Is.True);
        _store.RecoveryFails = false;
        await AdvanceUntilAsync(() => _answers.Reader.TryPeek(out _));
    }

    [Test]
    public async Task Requests_of_v1_keep_their_order_over_an_unknown_outcome()
    {
        (_store.NextOutcome, _store.RecoveryFails) = (AppendOutcome.Unknown, true);
        await SubmitAsync("k", ProtocolVersion.V1);
        await UntilAsync(() => _store.Recoveries > 0);
        await SubmitAsync("k", ProtocolVersion.V1);
        var recoveries = _store.Recoveries;
        await AdvanceUntilAsync(() => _store.Recoveries > recoveries + 1); // the second one is kept by now
        var answered = new List<uint?>();
        _store.RecoveryFails = false;
        while (answered.Count < 2)
        {
            await AdvanceUntilAsync(() => _answers.Reader.TryPeek(out _));
            answered.Add((await AnswerAsync()).Entries[0].Value);
        }

        Assert.That(answered, Is.EqualTo(new uint?[] { 0, 1 }), "answered in the order in which they came");
        Assert.That(_answered, Is.EqualTo(new[] { 1, 2 }), "and stored so");
    }

    [Test]
    public async Task What_waits_is_bounded_in_bytes()
    {
        (_store.NextOutcome, _store.RecoveryFails) = (AppendOutcome.Unknown, true); // nothing is taken meanwhile
        var large = new NewEvent("k", null, 1, "t", new byte[1024 * 1024]);
        var submitted = new List<Task>();
        for (var i = 0; i < 80; i++)
            submitted.Add(_sequencer.SubmitAsync(Request(new NewMessage([large]), ProtocolVersion.V1), default).AsTask());
        Assert.That(submitted.Count(s => s.IsCompleted), Is.InRange(60, 64), "64 MiB");
        _store.RecoveryFails = false;
        await AdvanceUntilAsync(() => submitted.TrueForAll(s => s.IsCompleted));
    }

    [Test]
    public async Task Receipts_go_out_before_anybody_is_handed_the_event()
    {
        long? released = null;
        var request = new PublishRequest(new NewMessage([new NewEvent("k", null, 1, "t", "1"u8.ToArray())]), new Producer(1, "s"), ProtocolVersion.V2, (_, result) =>
        {
            released = _log.Released;
            _answers.Writer.TryWrite(result);
        });
        await _sequencer.SubmitAsync(request, default);
        await AnswerAsync();
        Assert.That((_log.Head, released), Is.EqualTo((1L, (long?)0)), "whoever asks sees it, nobody is told of it");
        await _log.WaitBeyondAsync(0, default).WaitAsync(Limit);
        Assert.That((await _log.ReadHeadersAsync(0, 10, default)).Count, Is.EqualTo(1));
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(Limit);
        for (; !condition(); await Task.Yield())
            limit.Token.ThrowIfCancellationRequested();
    }

    private Task AdvanceUntilAsync(Func<bool> condition) => UntilAsync(() =>
    {
        if (condition())
            return true;
        _time.Advance(TimeSpan.FromMilliseconds(10));
        return false;
    });
}
