using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Sequent.Client;

namespace Bank.ServiceDefaults;

/// <summary>Answers that say what was wrong, as problem details.</summary>
public static class Problems
{
    public const string Amount = "An amount is a string with two decimals, from \"0.01\" to \"1000000000.00\".";

    /// <summary>400, with the field named.</summary>
    public static ValidationProblem Field(string name, string problem) =>
        TypedResults.ValidationProblem(new Dictionary<string, string[]> { [name] = [problem] });

    /// <summary>For filters that answer like this: it is part of the route's description.</summary>
    internal static ProducesResponseTypeMetadata FieldMetadata { get; } =
        new(StatusCodes.Status400BadRequest, typeof(HttpValidationProblemDetails), ["application/problem+json"]);

    /// <summary>403.</summary>
    public static ProblemHttpResult NotYours() => TypedResults.Problem("This belongs to somebody else.", statusCode: StatusCodes.Status403Forbidden);

    /// <summary>404.</summary>
    public static ProblemHttpResult Unknown(string what) => TypedResults.Problem($"No such {what}.", statusCode: StatusCodes.Status404NotFound);

    /// <summary>422: the key names a change that is stored, and this is another one.</summary>
    public static ProblemHttpResult OtherRequest() => TypedResults.Problem(
        $"A different request was made with this {Idempotency.Header}, and it is stored. Nothing was changed now.", statusCode: StatusCodes.Status422UnprocessableEntity);

    /// <summary>503 for a read.</summary>
    public static IResult NotReady(string why) => new NotReadyResult(why);

    /// <summary>409, with a reason programs can read.</summary>
    public static ProblemHttpResult Refused(string reason) => TypedResults.Problem(
        "Nothing was changed.", statusCode: StatusCodes.Status409Conflict, extensions: new Dictionary<string, object?> { ["reason"] = reason });
}

internal sealed class NotReadyResult(string why) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext) => Unavailable.WriteAsync(httpContext, $"{why} Try again.");
}

/// <summary>503: the bus or another service did not answer in time. A change that was asked for may or may not have happened.</summary>
internal static class Unavailable
{
    public static Task WriteAsync(HttpContext context)
    {
        var advice = HttpMethods.IsGet(context.Request.Method) ? "Try again."
            : !TakesKeys(context) ? "It is not known whether anything was changed."
            : context.Request.Headers.ContainsKey(Idempotency.Header) ? $"It is not known whether anything was changed: repeat with the same {Idempotency.Header}, and it happens once."
            : $"It is not known whether anything was changed: look before you repeat it. With an {Idempotency.Header} it could be repeated safely.";
        return WriteAsync(context, $"A part of the bank did not answer in time. {advice}");
    }

    // While an exception is handled the endpoint stands elsewhere.
    private static bool TakesKeys(HttpContext context) =>
        (context.GetEndpoint() ?? context.Features.Get<IExceptionHandlerFeature>()?.Endpoint)?.Metadata.GetMetadata<Idempotency.Metadata>() is not null;

    public static Task WriteAsync(HttpContext context, string detail)
    {
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        context.Response.Headers.RetryAfter = "1";
        return TypedResults.Problem(detail, statusCode: StatusCodes.Status503ServiceUnavailable).ExecuteAsync(context);
    }
}

/// <summary>Turns what may go wrong on the way into the answer the contract names; everything else stays a 500.</summary>
internal sealed class FailuresAsProblems : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        switch (exception)
        {
            // The bus: not reached, sent but not answered, or too many conflicts. Then Users, and a wait that was given up.
            case BusUnavailableException or OutcomeUnknownException or UnitTimeoutException or HttpRequestException or OperationCanceledException:
                await Unavailable.WriteAsync(httpContext);
                return true;

            case ReadModelNotReadyException notReady:
                await Problems.NotReady(notReady.Message).ExecuteAsync(httpContext);
                return true;

            case not null when BankState.IsAway(exception):
                await Unavailable.WriteAsync(httpContext);
                return true;

            case BadHttpRequestException { InnerException: JsonException { Path: { Length: > 2 } path } }:
                await Problems.Field(path[2..], "The value has the wrong form.").ExecuteAsync(httpContext);
                return true;

            case BadHttpRequestException bad:
                await TypedResults.Problem("The request cannot be read.", statusCode: bad.StatusCode).ExecuteAsync(httpContext);
                return true;

            default:
                return false;
        }
    }
}
