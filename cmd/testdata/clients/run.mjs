export function want(condition, what) {
  if (!condition) throw new Error(what)
}

// lines runs each flow, and makes its line of output. What a flow returns is of no interest; it throws if it fails.
export async function* lines(flows) {
  for (const [name, flow] of Object.entries(flows)) {
    let result = 'ok'
    try {
      await flow()
    } catch (e) {
      result = [e.error_description ?? e.errorSummary ?? e.message, e.cause?.status ?? e.cause?.message].join(' ').trim()
    }
    yield `${name}\t${result.replace(/\s+/g, ' ')}\n`
  }
}
