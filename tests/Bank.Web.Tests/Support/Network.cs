namespace Bank.Web.Tests.Support;

/// <summary>The network between the page and the services, which can lose answers and be slow.</summary>
internal sealed class Network : DelegatingHandler
{
    private readonly State _state;

    private Network(State state) => _state = state;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        if (request.Method != HttpMethod.Post)
            return response;
        _state.Posts.Enqueue(request.RequestUri!.AbsolutePath);
        if (Interlocked.Decrement(ref _state.AnswersToLose) >= 0)
        {
            response.Dispose();
            throw new HttpRequestException(HttpRequestError.ResponseEnded, "The answer was lost.");
        }

        await Task.Delay(_state.Delay, cancellationToken);
        return response;
    }

    /// <summary>What all its connections share.</summary>
    internal sealed class State
    {
        /// <summary>So many answers to the next changes get lost, although they were made.</summary>
        public int AnswersToLose;

        /// <summary>The answer to a change takes so much longer.</summary>
        public TimeSpan Delay { get; set; }

        /// <summary>The paths of the changes that were sent.</summary>
        public System.Collections.Concurrent.ConcurrentQueue<string> Posts { get; } = [];

        public Network Create() => new(this);
    }
}
