using System.Collections.Concurrent;
using System.Diagnostics;
using Sequent.Protocol;

namespace Sequent.Client.Tests.Support;

/// <summary>A trace begun by a test, and every span of Sequent that belongs to it.</summary>
internal sealed class TestTrace : IDisposable
{
    private readonly ConcurrentQueue<Activity> _ended = [];
    private readonly ActivityListener _listener;

    public TestTrace()
    {
        Root = new Activity("test").SetIdFormat(ActivityIdFormat.W3C).Start();
        Root.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == SequentDiagnostics.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> options) => options.TraceId == Root.TraceId ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
            ActivityStopped = activity =>
            {
                if (activity.TraceId == Root.TraceId || activity.Links.Any(l => l.Context.TraceId == Root.TraceId))
                    _ended.Enqueue(activity);
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public Activity Root { get; }

    public IReadOnlyList<Activity> Spans => [.. _ended];

    /// <summary>Listens also to traces that have no other beginning.</summary>
    public void TakeRoots() => _listener.Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded;

    public Activity Span(string name) => Spans.Single(a => a.DisplayName == name);

    public bool Has(string name) => Spans.Any(a => a.DisplayName == name);

    public void Dispose()
    {
        Root.Dispose();
        _listener.Dispose();
    }
}
